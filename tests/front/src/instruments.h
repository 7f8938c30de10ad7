// The instruments of the stand-in counter: futures of forty products, month by month.
#pragma once
#include "ThostFtdcUserApiStruct.h"
#include "util.h"
#include <cfloat>
#include <map>

namespace front {

struct Product {
    const char *id, *name, *exchange;
    int multiple;
    double tick;
};

inline const std::vector<Product> &products() {
    static const std::vector<Product> all{
        {"cu", "沪铜", "SHFE", 5, 10}, {"al", "沪铝", "SHFE", 5, 5}, {"zn", "沪锌", "SHFE", 5, 5},
        {"pb", "沪铅", "SHFE", 5, 5}, {"ni", "沪镍", "SHFE", 1, 10}, {"sn", "沪锡", "SHFE", 1, 10},
        {"au", "黄金", "SHFE", 1000, 0.02}, {"ag", "白银", "SHFE", 15, 1},
        {"rb", "螺纹钢", "SHFE", 10, 1}, {"hc", "热轧卷板", "SHFE", 10, 1},
        {"ss", "不锈钢", "SHFE", 5, 5}, {"fu", "燃料油", "SHFE", 10, 1},
        {"bu", "沥青", "SHFE", 10, 1}, {"ru", "天然橡胶", "SHFE", 10, 5},
        {"sp", "纸浆", "SHFE", 10, 2}, {"sc", "原油", "INE", 1000, 0.1},
        {"lu", "低硫燃料油", "INE", 10, 1}, {"nr", "20号胶", "INE", 10, 5},
        {"bc", "国际铜", "INE", 5, 10}, {"ec", "集运指数", "INE", 50, 0.1},
        {"m", "豆粕", "DCE", 10, 1}, {"y", "豆油", "DCE", 10, 2}, {"a", "豆一", "DCE", 10, 1},
        {"p", "棕榈油", "DCE", 10, 2}, {"c", "玉米", "DCE", 10, 1}, {"i", "铁矿石", "DCE", 100, 0.5},
        {"j", "焦炭", "DCE", 100, 0.5}, {"jm", "焦煤", "DCE", 60, 0.5}, {"l", "聚乙烯", "DCE", 5, 1},
        {"v", "聚氯乙烯", "DCE", 5, 1}, {"SR", "白糖", "CZCE", 10, 1}, {"CF", "棉花", "CZCE", 5, 5},
        {"TA", "精对苯二甲酸", "CZCE", 5, 2}, {"MA", "甲醇", "CZCE", 10, 1},
        {"FG", "玻璃", "CZCE", 20, 1}, {"SA", "纯碱", "CZCE", 20, 1},
        {"IF", "沪深300", "CFFEX", 300, 0.2}, {"IH", "上证50", "CFFEX", 300, 0.2},
        {"IC", "中证500", "CFFEX", 200, 0.2}, {"si", "工业硅", "GFEX", 5, 5},
    };
    return all;
}

inline CThostFtdcInstrumentField make_instrument(const Product &p, int year, int month) {
    CThostFtdcInstrumentField f{};
    bool czce = !strcmp(p.exchange, "CZCE");  // one digit of the year: TA601
    char text[64];
    if (czce) snprintf(text, sizeof text, "%s%d%02d", p.id, year % 10, month);
    else snprintf(text, sizeof text, "%s%02d%02d", p.id, year % 100, month);
    put(f.InstrumentID, text);
    put(f.ExchangeInstID, text);
    snprintf(text, sizeof text, "%s%02d%02d", p.name, year % 100, month);
    put(f.InstrumentName, text);
    put(f.ExchangeID, p.exchange);
    put(f.ProductID, p.id);
    put(f.UnderlyingInstrID, p.id);
    f.ProductClass = '1';
    f.DeliveryYear = year;
    f.DeliveryMonth = month;
    f.MaxMarketOrderVolume = 30;
    f.MinMarketOrderVolume = 1;
    f.MaxLimitOrderVolume = 500;
    f.MinLimitOrderVolume = 1;
    f.VolumeMultiple = p.multiple;
    f.PriceTick = p.tick;
    put(f.CreateDate, "20250101");
    put(f.OpenDate, "20250116");
    snprintf(text, sizeof text, "%04d%02d15", year, month);
    put(f.ExpireDate, text);
    snprintf(text, sizeof text, "%04d%02d16", year, month);
    put(f.StartDelivDate, text);
    snprintf(text, sizeof text, "%04d%02d20", year, month);
    put(f.EndDelivDate, text);
    f.InstLifePhase = '1';
    f.IsTrading = 1;
    f.PositionType = '2';
    bool today_apart = !strcmp(p.exchange, "SHFE") || !strcmp(p.exchange, "INE");
    f.PositionDateType = today_apart ? '1' : '2';
    f.LongMarginRatio = f.ShortMarginRatio = 0.1;
    f.MaxMarginSideAlgorithm = '0';
    f.StrikePrice = DBL_MAX;
    f.UnderlyingMultiple = 1;
    f.CombinationType = '0';
    return f;
}

inline const std::vector<CThostFtdcInstrumentField> &instruments() {
    static const auto all = [] {
        std::vector<CThostFtdcInstrumentField> made;
        size_t wanted = size_t(env_num("FRONT_INSTRUMENTS", 800));
        for (int k = 0; made.size() < wanted; k++)
            for (const Product &p : products())
                if (made.size() < wanted) made.push_back(make_instrument(p, 2026 + k / 12, k % 12 + 1));
        return made;
    }();
    return all;
}

inline const CThostFtdcInstrumentField *find_instrument(const char *id) {
    static const auto by_id = [] {
        std::map<std::string, const CThostFtdcInstrumentField *> made;
        for (auto &f : instruments()) made[f.InstrumentID] = &f;
        return made;
    }();
    auto found = by_id.find(id);
    return found == by_id.end() ? nullptr : found->second;
}

} // namespace front
